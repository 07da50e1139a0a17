"""The way in: files of complaints become ComplaintIn."""
