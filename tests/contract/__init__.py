"""What every store, service and server must do, whichever it is."""
