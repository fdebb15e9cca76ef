"""What happens on a node: pods as processes, their volumes, tokens and logs."""
