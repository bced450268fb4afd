"""What is normal at a site: learnt offline, followed online within bounds."""
