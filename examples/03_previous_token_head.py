"""
Finding 3: a previous-token head
================================
"""
