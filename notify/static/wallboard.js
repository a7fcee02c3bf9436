// The wallboard's clocks between two readings: how long it has been open, how long until the promised update. Figures come from
// the service; without this script they stand as they were read.
"use strict";

(() => {
  const two = (number) => String(Math.floor(number)).padStart(2, "0");
  const long = (seconds) => {
    const whole = Math.max(0, Math.floor(seconds));
    const hours = Math.floor(whole / 3600);
    return (hours ? `${hours}:${two((whole % 3600) / 60)}` : Math.floor(whole / 60)) + `:${two(whole % 60)}`;
  };
  const tick = () => {
    const now = Date.now();
    for (const place of document.querySelectorAll("[data-since] .figure")) place.textContent = long((now - Date.parse(place.parentElement.dataset.since)) / 1000);
    for (const place of document.querySelectorAll("[data-until]")) {
      const left = (Date.parse(place.dataset.until) - now) / 1000;
      place.textContent = (left < 0 ? "−" : "") + long(Math.abs(left));
    }
  };
  tick();
  document.addEventListener("htmx:afterSwap", tick); // or the promised time would stand there as a date until the next second
  document.addEventListener("htmx:sseMessage", tick);
  setInterval(tick, 1000);
})();
