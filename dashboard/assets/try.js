/* The page Try an image: a picture goes there and back, and is kept nowhere. */
(() => {
  const { page, ask, make } = window.moodline;
  const ORDER = ["happy", "surprise", "neutral", "sad", "fear", "disgust", "angry"];
  const MOST_BYTES = 10 * 1024 * 1024;

  const percent = (part) => `${Math.round(part * 100)} %`;

  page("try", () => {
    const root = document.getElementById("try");
    let shownUrl = null;
    let stream = null;
    let turn = 0;

    const input = make("input", { type: "file", id: "try-file", accept: "image/jpeg,image/png,image/webp,image/gif", class: "unseen",
      onchange: () => { if (input.files.length) show(input.files[0]); input.value = ""; } });
    const camera = make("button", { type: "button", class: "button quiet", text: "Use the camera", onclick: () => startCamera() });
    const drop = make("div", { class: "drop panel" },
      make("p", { class: "drop-line", text: "Drop a picture here, or paste one." }),
      make("div", { class: "drop-ways" },
        make("label", { for: "try-file", class: "button", text: "Choose a picture" }), input, camera),
      make("p", { class: "soft", text: "JPEG, PNG, WebP or GIF, 10 MB at most. Nothing is stored: the picture is read in memory and forgotten." }));
    const trouble = make("div", { class: "trouble", role: "alert" });
    const busy = make("p", { class: "soft", role: "status" });
    const video = make("video", { autoplay: true, playsinline: true, muted: true, "aria-label": "The camera's picture" });
    const live = make("div", { class: "panel camera", hidden: true }, video,
      make("div", { class: "toolbar" },
        make("button", { type: "button", class: "button", text: "Take a picture", onclick: () => takePicture() }),
        make("button", { type: "button", class: "button quiet", text: "Close the camera", onclick: () => stopCamera() })));
    const result = make("div", { class: "try-result", hidden: true });
    root.replaceChildren(drop, live, trouble, busy, result);

    const startCamera = async () => {
      trouble.textContent = "";
      try {
        stream = await navigator.mediaDevices.getUserMedia({ video: true, audio: false });
      } catch (error) {
        trouble.textContent = navigator.mediaDevices
          ? "The browser gives no camera: allow it for this page, or choose a picture."
          : "The browser gives cameras to pages over https or on localhost only.";
        return;
      }
      video.srcObject = stream;
      live.hidden = false;
    };
    const stopCamera = () => {
      if (stream) stream.getTracks().forEach((track) => track.stop());
      stream = null;
      live.hidden = true;
    };
    const takePicture = () => {
      const canvas = make("canvas");
      canvas.width = video.videoWidth;
      canvas.height = video.videoHeight;
      if (!canvas.width) return;
      canvas.getContext("2d").drawImage(video, 0, 0);
      canvas.toBlob((blob) => show(blob), "image/jpeg", 0.92);
    };

    const show = async (file) => {
      const mine = ++turn;
      trouble.textContent = "";
      result.hidden = true;
      if (file.size > MOST_BYTES) {
        trouble.textContent = `That picture has ${(file.size / 1048576).toFixed(1)} MB; 10 MB are the most.`;
        return;
      }
      busy.textContent = "Looking for faces …";
      try {
        const told = await ask("try/read", { method: "POST", body: file, headers: { "Content-Type": "application/octet-stream" } });
        if (mine === turn) draw(file, told);
      } catch (error) {
        if (mine === turn) trouble.textContent = error.message;
      }
      if (mine === turn) busy.textContent = "";
    };

    const draw = (file, told) => {
      if (shownUrl) URL.revokeObjectURL(shownUrl);
      shownUrl = URL.createObjectURL(file);
      const count = told.faces.length;
      const unsure = told.faces.filter((one) => !one.label).length;
      const line = !count ? "No face was found."
        : `${count === 1 ? "One face" : `${count} faces`} found${unsure ? `; ${count === 1 ? "its expression is" : unsure === count ? "their expressions are" : `the expression of ${unsure} is`} uncertain` : ""}.`;
      const boxes = told.faces.map((one, at) => {
        const box = make("span", { class: `face-box edge-${one.label || "uncertain"}`, "aria-hidden": "true" }, make("b", { text: String(at + 1) }));
        box.style.left = percentOf(one.x); box.style.top = percentOf(one.y);
        box.style.width = percentOf(one.w); box.style.height = percentOf(one.h);
        return box;
      });
      const picture = make("div", { class: "try-picture" },
        make("img", { src: shownUrl, alt: `The picture that you gave. ${line}` }), ...boxes);
      picture.style.maxWidth = `${Math.max(told.width * 2, 320)}px`;
      picture.style.aspectRatio = `${told.width} / ${told.height}`;
      const faces = told.faces.map((one, at) => make("section", { class: "panel face", "aria-label": `Face ${at + 1}` },
        make("h2", {}, make("span", { class: `swatch swatch-${one.label || "uncertain"}`, "aria-hidden": "true" }),
          make("span", { text: `Face ${at + 1}: ${one.label ? `${one.label}, ${percent(one.confidence)}` : "uncertain"}` })),
        one.why ? make("p", { class: "unsure", text: `${one.why} Most likely of the seven: ${ORDER.reduce((a, b) => (one.shares[b] > one.shares[a] ? b : a))}, ${percent(one.confidence)}.` }) : null,
        ...ORDER.map((label) => make("div", { class: one.shares[label] === Math.max(...Object.values(one.shares)) ? "bar strong" : "bar" },
          make("span", { class: "bar-name", text: label }),
          make("span", { class: "bar-track", "aria-hidden": "true" }, bar(label, one.shares[label])),
          make("span", { class: "bar-share", text: percent(one.shares[label]) })))));
      result.replaceChildren(
        make("p", { class: "lead", role: "status", text: line }),
        make("div", { class: "try-columns" }, picture, make("div", { class: "faces" }, ...faces,
          count ? make("p", { class: "help", text: "Seven calibrated probabilities: of a hundred faces read with 80 %, about eighty show that expression. It is an expression in one picture, not a feeling." })
            : make("p", { class: "help", text: "Faces are found from the front, upright, and from about a fortieth of the picture's width on. Turned, covered or very small ones are missed." }))));
      result.hidden = false;
    };

    const percentOf = (part) => `${(100 * part).toFixed(2)}%`;
    const bar = (label, part) => {
      const fill = make("span", { class: `bar-fill swatch-${label}` });
      fill.style.width = percentOf(part);
      return fill;
    };

    const stop = (event) => { event.preventDefault(); };
    const onDrop = (event) => {
      event.preventDefault();
      drop.classList.remove("over");
      const file = event.dataTransfer?.files?.[0];
      if (file) show(file);
    };
    const onOver = (event) => { stop(event); drop.classList.add("over"); };
    const onLeave = () => drop.classList.remove("over");
    const onPaste = (event) => {
      const item = [...(event.clipboardData?.items || [])].find((one) => one.type.startsWith("image/"));
      if (item) show(item.getAsFile());
    };
    document.addEventListener("paste", onPaste);
    document.addEventListener("dragover", onOver);
    document.addEventListener("dragleave", onLeave);
    document.addEventListener("drop", onDrop);
    return () => {
      turn += 1;
      stopCamera();
      if (shownUrl) URL.revokeObjectURL(shownUrl);
      document.removeEventListener("paste", onPaste);
      document.removeEventListener("dragover", onOver);
      document.removeEventListener("dragleave", onLeave);
      document.removeEventListener("drop", onDrop);
    };
  });
})();
