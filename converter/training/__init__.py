"""Models of Keras: training, transfer, and the folder that keeps one."""
