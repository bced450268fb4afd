"""Swept bands in the laboratory: places, what forecasts them, and scores."""
