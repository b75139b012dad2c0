"""Facts about models, accelerators and prices."""
