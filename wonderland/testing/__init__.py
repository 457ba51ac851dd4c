"""Known truth to test against: models whose circuits were written by hand, chats whose habits were planted."""
