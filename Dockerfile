# The operator's image: docker build -t virtwright:0.1.0 .
FROM node:24-bookworm-slim AS build
WORKDIR /src
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json ./
COPY cli cli
COPY controllers controllers
COPY crds crds
COPY drivers drivers
COPY simulators simulators
COPY standalone standalone
RUN npx --no-install tsc -b && npm prune --omit=dev --no-audit --no-fund && rm -f dist/.tsbuildinfo

FROM node:24-bookworm-slim
ENV NODE_ENV=production
WORKDIR /opt/virtwright
COPY LICENSE NOTICE package.json ./
COPY --from=build /src/node_modules node_modules
COPY --from=build /src/crds crds
COPY --from=build /src/dist dist
USER 65532:65532
ENTRYPOINT ["node", "/opt/virtwright/dist/controllers/main.js"]
