# Streamgauge in a container: every command of the command line, with ffmpeg, as a user without rights.
FROM node:22-bookworm-slim AS build
WORKDIR /app
# The lock file alone first: this layer stays as it is until a dependency changes.
COPY package.json package-lock.json .npmrc ./
# No dependency needs its install script: binaries come as optional packages.
RUN npm ci --ignore-scripts --include=dev
COPY . .
RUN npm run build && npm prune --omit=dev --ignore-scripts

FROM node:22-bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends ffmpeg fonts-dejavu-core \
 && rm -rf /var/lib/apt/lists/*
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
# Without cli/main.ts the launcher knows that this is an installed copy, which it has neither to install nor to build.
COPY --from=build /app/cli/streamgauge.mjs ./cli/
COPY --from=build /app/cli/setup ./cli/setup
COPY --from=build /app/scenarios ./scenarios
COPY --from=build /app/deploy/health ./deploy/health
# Where runs leave their reports; mount a volume here to keep them.
RUN mkdir runs && chown node:node runs
USER node
ENTRYPOINT ["node", "/app/cli/streamgauge.mjs"]
CMD ["--help"]
