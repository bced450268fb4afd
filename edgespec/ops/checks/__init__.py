"""What ``edgespec doctor`` looks at: one small function a question."""
