# One image for the five services and the migrations; the command chooses:
#   node gateway/main.ts
#   node subgraphs/<name>/main.ts
#   node scripts/migrate.ts
#
# Debian 13, the oldest one with years of fixes before it. Node and argon2, the only native package, ask for glibc 2.28.
FROM docker.io/library/node:26.10.0-trixie-slim AS base
WORKDIR /app

# What is generated, by development packages that stay here.
FROM base AS source
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY . .
RUN node scripts/generate.ts

# What runs. While package.json names prisma, the client's optional peer, --omit=dev keeps it and 250 MB with it. Of the
# rest, nothing reads maps, types and texts, nor the query compilers of other databases.
FROM base AS packages
COPY package.json package-lock.json ./
RUN npm pkg delete devDependencies \
  && npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
  && find node_modules -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.[cm]ts' -o -name '*.md' \) \
    ! -iname 'licen[cs]e*' -delete \
  && find node_modules/@prisma/client/runtime -name 'query_compiler_*' ! -name 'query_compiler_fast_bg.mysql.*' -delete

FROM base
ENV NODE_ENV=production HOST=0.0.0.0
COPY package.json services.ts ./
COPY --from=packages /app/node_modules node_modules
COPY prisma prisma
COPY scripts/local scripts/local
COPY scripts/admin.ts scripts/healthcheck.sh scripts/migrate.ts scripts/outbox.ts scripts/
COPY platform platform
COPY --from=source /app/gateway gateway
COPY --from=source /app/subgraphs subgraphs
# All of it belongs to root and nothing is written: the root file system may be read-only.
USER 1000:1000
# The base image's is a shell script; Node is the first process and takes the signals itself.
ENTRYPOINT []
CMD ["node", "gateway/main.ts"]
# Asks for liveness, so that an engine which restarts what is unhealthy leaves a service alone whose database is away.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["bash", "scripts/healthcheck.sh"]
