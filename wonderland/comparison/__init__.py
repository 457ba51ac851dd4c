"""How far are two bodies of messages apart, and by which words?"""
