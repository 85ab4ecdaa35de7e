"""The notice to print and hang on the door: what happens here, in words that passers-by know."""

import html
from typing import Final

from contracts.settings import LiveView, Settings

_PAGE: Final = """<!DOCTYPE html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Notice · moodline</title>
    <link rel="icon" href="data:,">
    <style>
      @page {{ size: A4; margin: 18mm; }}
      body {{ max-width: 174mm; margin: 12mm auto; padding: 0 16px; color: #111; background: #fff;
        font: 15pt/1.45 system-ui, "Segoe UI", "Noto Sans", sans-serif; }}
      h1 {{ margin: 0 0 6mm; font-size: 30pt; line-height: 1.15; }}
      p.lead {{ font-size: 18pt; }}
      ul {{ padding-left: 1.2em; }}
      li {{ margin: 2mm 0; }}
      .who {{ margin-top: 8mm; padding: 5mm 6mm; border: 2px solid #111; border-radius: 3mm; }}
      .who p {{ margin: 0; overflow-wrap: anywhere; }}
      .small {{ margin-top: 8mm; color: #444; font-size: 11pt; }}
      @media print {{ body {{ margin: 0; padding: 0; }} }}
    </style>
  </head>
  <body>
    <main>
      <h1>Facial expressions are counted here</h1>
      <p class="lead">{place}A camera is read by software that counts seven facial expressions,
        such as neutral, happy or sad.</p>
      <ul>
        <li><strong>Expressions, not feelings.</strong> What a face shows for a moment does not
          say what a person feels.</li>
        <li><strong>Nobody is identified.</strong> Faces are not compared with any list, and who
          comes back is not known again.</li>
        <li><strong>{pictures}</strong></li>
        <li><strong>What is kept:</strong> when a face was in view, where in the picture, and seven
          probabilities; {kept}.</li>
        {purpose}
      </ul>
      <div class="who"><p>{contact}</p></div>
      <p class="small">You may ask what was recorded at a time that you were here, and have it
        erased. Inferring emotions at work or in schools is prohibited in the European Union
        (Regulation (EU) 2024/1689, Article 5(1)(f)).</p>
    </main>
  </body>
</html>
"""


def notice(settings: Settings, place: str, contact: str, purpose: str) -> str:
    """The page, from what is set: it says what is true of this installation."""
    pictures = "No picture is stored."
    if settings.live_view is LiveView.BLURRED:
        pictures += " Who runs this sees the newest one for seconds, with blurred faces."
    elif settings.live_view is LiveView.CLEAR:
        pictures += " Who runs this sees the newest one for seconds."
    days = settings.keep_faces_days
    kept = f"for {days} days, then only sums" if days else "until it is erased"
    return _PAGE.format(
        place=f"{html.escape(place.strip())}. " if place.strip() else "",
        pictures=html.escape(pictures),
        kept=html.escape(kept),
        purpose=f"<li><strong>Why:</strong> {html.escape(purpose.strip())}</li>"
        if purpose.strip()
        else "",
        contact=f"Responsible: {html.escape(contact.strip())}"
        if contact.strip()
        else "Responsible: ______________________________________",
    )
