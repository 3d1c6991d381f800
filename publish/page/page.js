document.querySelectorAll(".copy").forEach(function (button) {
  button.onclick = function () {
    var code = button.parentNode.querySelector("code");
    navigator.clipboard.writeText(code.textContent).then(
      function () { button.textContent = "Copied"; },
      // Where a page may not write to the clipboard, the text is at least selected.
      function () { getSelection().selectAllChildren(code); }
    );
  };
});
