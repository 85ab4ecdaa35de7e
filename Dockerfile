# Two stages, so that the image contains no build tools. It runs as a user without privileges.
# .dockerignore lists what is copied: nothing else of this folder can get into an image.
FROM python:3.12-slim AS build
COPY --from=ghcr.io/astral-sh/uv:0.13.9 /uv /bin/uv
WORKDIR /src
# An additional extra of pyproject.toml: "gpu" for workers with a GPU.
ARG EXTRAS=""
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PROJECT_ENVIRONMENT=/opt/moodline
COPY pyproject.toml uv.lock README.md ./
RUN uv sync --frozen --no-install-project ${EXTRAS:+--extra $EXTRAS} \
    --extra worker --extra ingest --extra postgres --extra export --extra scheduler --extra web \
    --extra mqtt --extra alerts
COPY . .
RUN uv sync --frozen --no-editable ${EXTRAS:+--extra $EXTRAS} \
    --extra worker --extra ingest --extra postgres --extra export --extra scheduler --extra web \
    --extra mqtt --extra alerts

FROM python:3.12-slim
RUN useradd --system --uid 10001 --create-home moodline && install -d -o moodline -m 700 /uploads
COPY --from=build /opt/moodline /opt/moodline
ENV PATH=/opt/moodline/bin:$PATH PYTHONUNBUFFERED=1
USER moodline
ENTRYPOINT ["moodline"]
CMD ["--help"]
