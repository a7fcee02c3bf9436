// The after-action report: what the tables say, as curves. Screen readers and browsers without scripts have the tables.
"use strict";

(() => {
  const COLOURS = ["#0b4f9e", "#9c1006", "#0a6b3d"];
  const HEIGHT = 240;
  for (const place of document.querySelectorAll(".curve")) {
    const curves = Object.entries(JSON.parse(place.dataset.curves));
    const names = JSON.parse(place.dataset.names);
    const tables = curves.map(([, seconds]) => {
      // Of several shares at one moment the last is the one that had left by then.
      const at = new Map(seconds.map((second, percent) => [second / 60, percent]));
      return [[0, ...at.keys()], [0, ...at.values()]];
    });
    const series = curves.map(([channel], number) => ({ label: names[channel], stroke: COLOURS[number % COLOURS.length], width: 2, spanGaps: true }));
    place.hidden = false;
    const size = () => ({ width: Math.max(240, place.clientWidth), height: HEIGHT });
    const chart = new uPlot({
      ...size(),
      scales: { x: { time: false }, y: { range: [0, 100] } },
      axes: [{ label: place.dataset.minutes }, { label: place.dataset.share }],
      series: [{ label: place.dataset.minutes }, ...series],
    }, uPlot.join(tables), place);
    new ResizeObserver(() => chart.setSize(size())).observe(place);
  }
})();
