"""The contract with distributed training: shares of the losses, norms that wait."""
