"""A RabbitMQ cluster that keeps reports in partitions. Only here is pika known."""
