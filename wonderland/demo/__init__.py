"""The conversations that come with wonderland: one real person's chats with 141 others, MIT-licensed.

``SOURCE.md`` beside this file says where they come from, what was done to them and what they are not.
"""

from pathlib import Path

FOLDER = "wonderland-demo"
MESSAGES = Path(__file__).with_name("messages.jsonl.gz")
