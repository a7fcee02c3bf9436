"""Alerts of other agencies: fetched or handed in, judged, shown, and never more than the beginning of a draft of ours."""
