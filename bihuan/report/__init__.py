"""The way out on paper: results become charts, a workbook and a page; values in, text or bytes out."""
