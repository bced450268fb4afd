"""The paper's figures in our setting, as PNG."""
