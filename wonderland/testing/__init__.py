"""Known truth to test against: models whose circuits were written by hand, chats whose habits were planted.

And the contract of a plugin, as tests: `parametrize_with_checks`, `check_analysis`, `check_source`, `check_contrast`.
"""

from wonderland.testing.contract import check_analysis, check_contrast, check_source, parametrize_with_checks

__all__ = ["check_analysis", "check_contrast", "check_source", "parametrize_with_checks"]
