# One image for every service and the operator: `sluice <command>` is its entry. Node runs the TypeScript files as they are; it does that
# only outside of node_modules, where the workspaces are, which node_modules holds links to.
FROM node:24.21.0-bookworm-slim AS build
WORKDIR /app
COPY . .
# The image has its Node already, so the one that the repository pins is left out; of zeromq's add-ons one platform's are enough, and what only
# compilers, debuggers and another runtime (Bare) read is half of the rest.
RUN npm ci --omit=dev --ignore-scripts --workspace @sluice/cli --workspace @sluice/operator \
 && find node_modules/zeromq/build -name addon.node ! -path "*/linux/$(node -p process.arch)/node/glibc-*" -delete \
 && find node_modules -type f \( -name "*.d.ts" -o -name "*.d.[cm]ts" -o -name "*.map" -o -name "*.bare" \) -delete
# What is compiled now is not compiled at each start. The cache is for one user and one version of Node, which the next stage has too.
ENV XDG_CACHE_HOME=/app/cache
RUN mkdir cache && chown node:node cache
USER node
RUN for command in template-provider job-distributor channel-manager connection-gateway share-validator proxy operator; do \
      node cli/src/main.ts $command --help > /dev/null || exit 1; \
    done

FROM debian:bookworm-slim
COPY --from=build /usr/local/bin/node /usr/local/bin/node
COPY --from=build /app /app
RUN ln -s /app/cli/bin/sluice.js /usr/local/bin/sluice \
 && ln -s /app/cli/bin/kubectl-sluice.js /usr/local/bin/kubectl-sluice
ENV NODE_ENV=production XDG_CACHE_HOME=/app/cache SLUICE_SECP256K1_WASM=/app/build/secp256k1.wasm
USER 1000:1000
WORKDIR /app
ENTRYPOINT ["sluice"]
CMD ["help"]
