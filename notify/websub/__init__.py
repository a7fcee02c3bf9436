"""Our WebSub hub (W3C Recommendation, 23 January 2018): feeds are pushed to whoever asked, and showed that they did."""
