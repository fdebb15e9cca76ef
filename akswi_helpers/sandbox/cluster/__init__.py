"""An AKS cluster's API and what runs behind it, driven by tables of the real API's facts."""
