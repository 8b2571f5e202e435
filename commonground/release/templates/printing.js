/* Shows the same part of a map on paper as on the screen; map.css gives the map of a page that is being printed a fixed size. */
function fitForPrinting(map) {
  "use strict";
  let seen = null;
  function fit(printing) {
    seen = printing ? map.getBounds() : seen;
    document.body.classList.toggle("printing", printing);
    map.invalidateSize({animate: false, pan: false});
    map.fitBounds(seen, {animate: false});
  }
  window.addEventListener("beforeprint", function () { fit(true); });
  window.addEventListener("afterprint", function () { fit(false); });
}
