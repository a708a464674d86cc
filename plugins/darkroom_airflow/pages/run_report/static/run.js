// A run that is not done yet is looked at again, unless somebody is typing.

const AGAIN = 10_000; // milliseconds

function isTyping() {
  const { activeElement } = document;
  return activeElement instanceof HTMLInputElement && activeElement.value !== "";
}

function look() {
  if (document.visibilityState === "visible" && !isTyping()) location.reload();
}

if ("going" in document.documentElement.dataset) setInterval(look, AGAIN);
