(function (figure) {
  var video = figure.querySelector("video"), button = figure.querySelector("button");
  var chapters = [].slice.call(figure.querySelectorAll("[data-at]"));
  var calm = matchMedia("(prefers-reduced-motion: reduce)");
  var stopped = calm.matches, inView = false;
  function update() {
    button.textContent = stopped ? "Play" : "Pause";
    button.setAttribute("aria-label", button.textContent + " " + button.parentNode.getAttribute("aria-label"));
    if (stopped || !inView) return video.pause();
    video.play().catch(function (why) {
      if (why.name == "NotAllowedError") { stopped = true; update(); }
    });
  }
  function look() {
    if (video.currentSrc) video.poster = video.currentSrc.replace(/\.\w+$/, ".jpg");
  }
  figure.dataset.on = "";
  video.autoplay = false;
  video.controls = "controls" in video.dataset;
  button.onclick = function () { stopped = !stopped; update(); };
  calm.onchange = function () { if (calm.matches) { stopped = true; update(); } };
  chapters.forEach(function (chapter) {
    // A little into its first frame, so that rounding does not show the one before.
    chapter.onclick = function () { video.currentTime = +chapter.dataset.at + 0.005; };
  });
  video.ontimeupdate = function () {
    var past = chapters.filter(function (chapter) { return +chapter.dataset.at <= video.currentTime; });
    chapters.forEach(function (chapter) { chapter.removeAttribute("aria-current"); });
    if (past.length) past.pop().setAttribute("aria-current", "true");
  };
  video.onloadstart = look;
  look();
  update();
  new IntersectionObserver(function (seen) {
    inView = seen.pop().isIntersecting;
    update();
  }, { threshold: 0.1 }).observe(video);
})(document.currentScript.parentNode);
