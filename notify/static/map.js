// The composer's map: shows the chosen areas, draws polygons, holes and circles into the form's fields, and follows the fields.
"use strict";

(() => {
  const place = document.getElementById("map");
  const form = document.getElementById("draft");
  if (!place || !form || !window.L) return;
  place.hidden = false;
  document.querySelector(".map-tools").hidden = false;
  const map = L.map(place, { attributionControl: false, zoomControl: false, zoomSnap: 0.25, keyboard: true, preferCanvas: true });
  map.setView([0, 0], 1);
  L.control.zoom({ zoomInTitle: place.dataset.zoomIn, zoomOutTitle: place.dataset.zoomOut }).addTo(map);
  const { first, next, last, middle, edge } = place.dataset;
  const tooltips = { firstVertex: first, continueLine: next, finishPoly: last, startCircle: middle, finishCircle: edge };
  map.pm.setLang("page", { tooltips }, "en");
  const named = new Map();
  let drawn = null;

  const chosen = () => new Set([...form.querySelectorAll("input[name=names]:checked")].map((box) => box.value));
  const way = () => form.querySelector("input[name=where]:checked")?.value ?? "names";
  const field = (name) => document.getElementById(name);
  const set = (name, value) => { field(name).value = value; };
  const tell = () => form.dispatchEvent(new Event("input", { bubbles: true }));

  const paint = () => {
    const names = way() === "names" ? chosen() : new Set();
    const shown = L.featureGroup();
    for (const [name, layer] of named) {
      const on = names.has(name);
      layer.setStyle(on ? { color: "#9c1006", weight: 2, fillColor: "#d33", fillOpacity: 0.35 } : { color: "#667", weight: 1, fill: layer.outline ? false : true, fillOpacity: 0.02 });
      if (on) { layer.bringToFront(); shown.addLayer(layer); }
    }
    if (drawn && way() !== "names") shown.addLayer(drawn);
    return shown;
  };
  const look = (group) => { const box = group.getBounds(); if (box.isValid()) map.fitBounds(box, { padding: [12, 12], animate: false }); };

  const fromFields = () => {
    if (drawn) { map.removeLayer(drawn); drawn = null; }
    try {
      if (way() === "circle") {
        const [lat, lon, radius] = ["lat", "lon", "radius_m"].map((name) => Number.parseFloat(field(name).value));
        if ([lat, lon, radius].every(Number.isFinite)) drawn = L.circle([lat, lon], { radius, color: "#9c1006", fillOpacity: 0.35 });
      } else if (way() === "drawn" && field("geojson").value.trim()) {
        drawn = L.geoJSON(JSON.parse(field("geojson").value), { style: { color: "#9c1006", fillOpacity: 0.35 } });
      }
    } catch { drawn = null; }
    if (drawn) drawn.addTo(map);
    const shown = paint();
    if (shown.getLayers().length) look(shown);
  };

  fetch(place.dataset.layers, { headers: { "HX-Request": "true" } }).then((answer) => answer.json()).then((areas) => {
    L.geoJSON(areas, {
      onEachFeature: (feature, layer) => {
        layer.outline = feature.properties.citywide;
        named.set(feature.properties.name, layer);
        layer.bindTooltip(feature.properties.name, { sticky: true });
        layer.on("click", () => {
          if (way() !== "names" || map.pm.globalDrawModeEnabled()) return;
          const box = [...form.querySelectorAll("input[name=names]")].find((one) => one.value === feature.properties.name);
          if (box) box.click();
        });
      },
    }).addTo(map);
    for (const layer of named.values()) if (layer.outline) layer.bringToBack();
    fromFields();
    if (!chosen().size) look(L.featureGroup([...named.values()]));
  });

  const use = (value) => { const radio = form.querySelector(`input[name=where][value=${value}]`); radio.checked = true; form.dispatchEvent(new Event("change", { bubbles: true })); };
  map.on("pm:create", ({ layer, shape }) => {
    map.removeLayer(layer);
    if (shape === "Circle") {
      const middle = layer.getLatLng();
      set("lat", middle.lat.toFixed(5)); set("lon", middle.lng.toFixed(5)); set("radius_m", Math.round(layer.getRadius()));
      use("circle");
    } else {
      const geometry = layer.toGeoJSON(6).geometry;
      const before = way() === "drawn" && field("geojson").value.trim() ? JSON.parse(field("geojson").value) : null;
      const rings = before ? (before.type === "MultiPolygon" ? before.coordinates : [before.coordinates]) : [];
      const all = [...rings, geometry.coordinates];
      set("geojson", JSON.stringify(all.length > 1 ? { type: "MultiPolygon", coordinates: all } : geometry));
      use("drawn");
    }
    tell();
  });
  map.on("pm:cut", ({ layer, originalLayer }) => {
    map.removeLayer(originalLayer);
    set("geojson", JSON.stringify(layer.toGeoJSON(6).geometry ?? layer.toGeoJSON(6).features[0].geometry));
    map.removeLayer(layer);
    use("drawn"); tell();
  });
  for (const button of document.querySelectorAll("[data-draw]")) {
    button.addEventListener("click", () => {
      const tool = button.dataset.draw;
      map.pm.disableDraw();
      if (tool === "Clear") { set("geojson", ""); set("lat", ""); set("lon", ""); set("radius_m", ""); fromFields(); tell(); return; }
      map.pm.enableDraw(tool, { snappable: false, allowSelfIntersection: false, tooltips: true });
    });
  }
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") map.pm.disableDraw(); });
  form.addEventListener("change", fromFields);
  form.addEventListener("input", (event) => { if (["lat", "lon", "radius_m", "geojson"].includes(event.target.id)) fromFields(); });
})();
