"""From clips on disk to a web page: the block to paste, the gallery, and a server to look at it."""
