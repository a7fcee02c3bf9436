"""The other side of the conversation: texts in and answers out, sign-up, one's own page, latecomers."""
