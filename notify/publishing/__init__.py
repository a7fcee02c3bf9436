"""What stands for everybody to read: CAP documents, feeds, pages and the archive."""
