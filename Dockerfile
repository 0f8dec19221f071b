# One image for the five services and the migrations. The command selects one:
#   node gateway/main.ts
#   node subgraphs/<name>/main.ts
#   node scripts/migrate.ts
#
# Debian 13 is the oldest release that still gets fixes for years. Node and argon2, the only native package, need glibc
# 2.28 or newer.
FROM docker.io/library/node:26.10.0-trixie-slim AS base
WORKDIR /app

# Generates code and builds the box office. This needs the development packages, which are not in the final image.
FROM base AS source
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY . .
RUN node scripts/generate.ts && node scripts/box-office.ts

# The production packages. prisma is an optional peer dependency of @prisma/client. --omit=dev would keep it (250 MB) if
# package.json still listed it, so the development dependencies are deleted first. Source maps, types, Markdown files
# and the query compilers of other databases are not needed either.
FROM base AS packages
COPY package.json package-lock.json ./
RUN npm pkg delete devDependencies \
  && npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
  && find node_modules -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.[cm]ts' -o -name '*.md' \) \
    ! -iname 'licen[cs]e*' -delete \
  && find node_modules/@prisma/client/runtime -name 'query_compiler_*' ! -name 'query_compiler_small_bg.mysql.*' -delete

FROM base
# With fewer memory pools of the C library, each process takes some 15 MB less.
ENV NODE_ENV=production HOST=0.0.0.0 MALLOC_ARENA_MAX=2
COPY package.json services.ts ./
COPY --from=packages /app/node_modules node_modules
COPY prisma prisma
COPY scripts/local scripts/local
COPY scripts/admin.ts scripts/healthcheck.sh scripts/migrate.ts scripts/outbox.ts scripts/reconcile.ts scripts/
COPY platform platform
COPY --from=source /app/gateway gateway
COPY --from=source /app/subgraphs subgraphs
COPY --from=source /app/examples/box-office/dist examples/box-office/dist
# All files belong to root. The services write no files, so the root file system may be read-only.
USER 1000:1000
# Replaces the shell script of the base image, so that Node is the first process and receives the signals.
ENTRYPOINT []
CMD ["node", "gateway/main.ts"]
# Checks liveness, not readiness. Some engines restart unhealthy containers, and a restart does not help when the
# database cannot be reached.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["bash", "scripts/healthcheck.sh"]
