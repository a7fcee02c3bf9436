// Where services are needed: the squares of the table below, on a map without a background. The table says the same.
"use strict";

(() => {
  const place = document.getElementById("map");
  if (!place || !window.L) return;
  const shown = JSON.parse(place.dataset.shown);
  const squares = shown.features.filter((one) => one.geometry);
  if (!squares.length) return;
  place.hidden = false;
  const map = L.map(place, { attributionControl: false, zoomControl: false, zoomSnap: 0.25 });
  L.control.zoom({ zoomInTitle: place.dataset.zoomIn, zoomOutTitle: place.dataset.zoomOut }).addTo(map);
  if (place.dataset.outline) L.geoJSON(JSON.parse(place.dataset.outline), { interactive: false, style: { color: "#667", weight: 1, fill: false } }).addTo(map);
  const most = Math.max(...squares.map((one) => one.properties.people_at_least));
  const layer = L.geoJSON(squares, {
    style: (one) => ({ color: "#0b4ea2", weight: 1, fillColor: "#0b4ea2", fillOpacity: 0.15 + 0.6 * (one.properties.people_at_least / most) }),
    onEachFeature: (one, square) => {
      const name = document.createElement("span");
      name.textContent = `${one.properties.code.replaceAll("_", " ")}: ${place.dataset.people.replace("{}", one.properties.people_at_least)}`;
      square.bindTooltip(name, { sticky: true });
    },
  }).addTo(map);
  map.fitBounds(layer.getBounds(), { padding: [16, 16], animate: false });
})();
