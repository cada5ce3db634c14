"""The report's tables, each as CSV, Markdown, LaTeX and (through the page) HTML."""
