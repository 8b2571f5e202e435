/* Draws published areas and switches between layers. Data strings reach the page through textContent only. */
(function () {
  "use strict";
  const data = JSON.parse(document.getElementById("map-data").textContent);
  const map = L.map("map", {attributionControl: false, zoomSnap: 0.25, scrollWheelZoom: false});
  map.on("focus", function () { map.scrollWheelZoom.enable(); });
  map.on("blur", function () { map.scrollWheelZoom.disable(); });

  if (data.boundaries) {
    const pane = map.createPane("boundaries");
    pane.style.zIndex = 350;
    pane.style.pointerEvents = "none";
    L.geoJSON(data.boundaries, {
      pane: "boundaries", interactive: false,
      style: {color: "#4a5459", weight: 1.5, fillColor: "#f7f8f9", fillOpacity: 1}
    }).addTo(map);
  }

  let shown = 0;
  function style(feature) {
    const layer = data.layers[shown];
    const place = layer.classes[feature.id];
    return {
      color: "#4a5459", weight: 0.8, opacity: 0.9, fillOpacity: 1,
      fillColor: place < 0 ? "url(#hatch)" : data.colours[layer.key][place]
    };
  }
  function reading(leaf) {
    const box = document.createElement("div");
    const layer = data.layers[shown];
    [["strong", data.names[leaf.feature.id]], ["span", layer.name + ": " + layer.labels[leaf.feature.id]]].forEach(function (part) {
      const line = document.createElement(part[0]);
      line.textContent = part[1];
      box.appendChild(line);
    });
    return box;
  }
  const areas = L.geoJSON(data.areas, {style: style, smoothFactor: 0.5}).addTo(map);
  areas.bindTooltip(reading, {sticky: true});
  areas.on("mouseover", function (event) { event.layer.setStyle({weight: 2.5}).bringToFront(); });
  areas.on("mouseout", function (event) { areas.resetStyle(event.layer); });
  map.fitBounds(areas.getBounds(), {padding: [8, 8], animate: false});
  fitForPrinting(map);

  const keys = document.querySelectorAll(".map-key");
  document.querySelectorAll("input[name=layer]").forEach(function (input) {
    input.addEventListener("change", function () {
      shown = Number(input.value);
      areas.closeTooltip();
      areas.setStyle(style);
      keys.forEach(function (key) { key.hidden = Number(key.dataset.key) !== data.layers[shown].key; });
      document.getElementById("status").textContent = "Showing: " + data.layers[shown].name + ".";
    });
    if (input.checked && Number(input.value) !== shown) { input.dispatchEvent(new Event("change")); }
  });
})();
