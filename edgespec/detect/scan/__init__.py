"""The largest deviation from what a site showed, over windows of many lengths and widths."""
