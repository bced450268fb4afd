"""``soapy:``, any radio that SoapySDR has a module for, read by a process of its own."""
