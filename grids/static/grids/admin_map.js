// The map on a place's page in the admin: its shape, its siblings, its parent. No tiles; reads one address, changes nothing.
(() => {
  const style = (feature) => ({ className: `shape ${feature.properties.role}`, weight: feature.properties.role === "own" ? 3 : 1.5 });

  const watermark = (text) => {
    const control = L.control({ position: "bottomleft" });
    control.onAdd = () => {
      const label = L.DomUtil.create("div", "watermark");
      label.textContent = text;
      return label;
    };
    return control;
  };

  const draw = (box, collection) => {
    const map = L.map(box, { attributionControl: false, zoomSnap: 0.25, scrollWheelZoom: false });
    L.control.scale({ imperial: false, position: "bottomright" }).addTo(map);
    if (box.dataset.watermark) watermark(box.dataset.watermark).addTo(map);
    const order = ["parent", "sibling", "own"];
    const layers = {};
    for (const role of order) {
      const features = collection.features.filter((feature) => feature.properties.role === role);
      layers[role] = L.geoJSON(features, {
        style,
        interactive: role !== "parent",
        onEachFeature: (feature, layer) => {
          const label = document.createElement("span");
          label.textContent = `${feature.properties.name} ${feature.properties.code}`;
          layer.bindTooltip(label, { sticky: true });
        },
      }).addTo(map);
    }
    // A small cell in a wide district would be a dot: its own neighbourhood first, the rest by zooming out.
    map.fitBounds(layers.own.getBounds().pad(0.6));
  };

  const start = async () => {
    const box = document.getElementById("place-map");
    if (!box) return;
    try {
      const answer = await fetch(box.dataset.shapes, { headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(String(answer.status));
      draw(box, await answer.json());
    } catch (error) {
      console.error(error);
      box.textContent = box.dataset.failed;
    }
  };

  document.addEventListener("DOMContentLoaded", start);
})();
