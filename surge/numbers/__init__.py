"""What it came to: measures, reports, relief of 911, forecasts and the staffing simulator."""
