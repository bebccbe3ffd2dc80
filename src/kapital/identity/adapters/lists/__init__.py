"""Files of sanction and PEP lists: read in a stream, refused whole when broken, every oddity reported."""
