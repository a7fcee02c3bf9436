// The page of areas: all of them on a map, the one pointed at in the list standing out, and a file read into the form.
// Everything works without it but the map itself.
"use strict";

(() => {
  const place = document.getElementById("map");
  if (place && window.L) {
    place.hidden = false;
    const map = L.map(place, { attributionControl: false, zoomControl: false, zoomSnap: 0.25, keyboard: true, preferCanvas: true });
    map.setView([0, 0], 1);
    L.control.zoom({ zoomInTitle: place.dataset.zoomIn, zoomOutTitle: place.dataset.zoomOut }).addTo(map);
    const named = new Map();
    const usual = (layer) => layer.setStyle({ color: "#667", weight: 1, fill: !layer.outline, fillOpacity: 0.04 });
    fetch(place.dataset.layers, { headers: { "HX-Request": "true" } }).then((answer) => answer.json()).then((areas) => {
      const all = L.geoJSON(areas, {
        onEachFeature: (feature, layer) => {
          layer.outline = feature.properties.citywide;
          named.set(feature.properties.name, layer);
          layer.bindTooltip(feature.properties.name, { sticky: true });
          usual(layer);
        },
      }).addTo(map);
      for (const layer of named.values()) if (layer.outline) layer.bringToBack();
      if (all.getBounds().isValid()) map.fitBounds(all.getBounds(), { padding: [12, 12], animate: false });
    });
    for (const row of document.querySelectorAll("[data-area]")) {
      const show = (on) => {
        const layer = named.get(row.dataset.area);
        if (!layer) return;
        if (on) { layer.setStyle({ color: "#9c1006", weight: 3, fill: true, fillOpacity: 0.35 }); layer.bringToFront(); } else usual(layer);
      };
      row.addEventListener("pointerenter", () => show(true));
      row.addEventListener("pointerleave", () => show(false));
    }
  }

  const file = document.getElementById("geojson-file");
  if (file) {
    file.closest(".file").hidden = false;
    file.addEventListener("change", async () => {
      if (!file.files[0]) return;
      document.getElementById("geojson").value = await file.files[0].text();
      const source = document.getElementById("source");
      if (!source.value) source.value = file.files[0].name;
    });
  }
  document.getElementById("checked")?.focus();
})();
