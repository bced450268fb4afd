"""What an observer learnt, kept over a restart: small files of its state directory."""
