"""What a run of any size takes on so many machines: scenarios, the model, the measurement that feeds it."""
