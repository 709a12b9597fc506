# The images of the agent, the webhook and the command line, from one builder (docs/images.md):
#
#   docker build --target agent -t nodeproof-agent .      (or webhook, or cli; podman and buildah likewise)
#
# BASE is what they are built on, a Debian 12; nothing of it but shared libraries reaches an image. SOURCE_DATE_EPOCH
# is the time that files and the SBOM carry. Labels that change from build to build are the builder's to give
# (--label, as image/build does): a build argument in a LABEL may be answered from a cache with its earlier value.
ARG BASE=docker.io/library/debian:bookworm-slim

FROM ${BASE} AS packages
WORKDIR /src
COPY packages.txt ./
RUN apt-get -q update && \
    DEBIAN_FRONTEND=noninteractive apt-get -q -y upgrade && \
    DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends \
      $(awk '/^\[/ {wanted = /^\[(build|image)\]/; next} /^[^#]/ && wanted' packages.txt) && \
    rm -rf /var/lib/apt/lists/*

FROM packages AS build
COPY CMakeLists.txt CMakePresets.json ./
COPY cmake cmake
COPY base base
COPY attest attest
COPY wire wire
COPY kube kube
COPY agent agent
COPY webhook webhook
COPY cli cli
# Another folder than the mount's lets a builder without lasting mounts bring its own compiler cache.
ARG CCACHE_DIR=/var/cache/ccache
RUN --mount=type=cache,target=/var/cache/ccache \
    export CCACHE_DIR=${CCACHE_DIR} && \
    cmake --preset release -DNODEPROOF_TESTS=OFF && cmake --build --preset release
COPY image image
ARG SOURCE_DATE_EPOCH=0
# The device TCTI is opened by its name at run time, so that ldd does not tell of it.
RUN image/make-root --program nodeproof-agent --loads libtss2-tcti-device.so.0 /root-of/agent && \
    image/make-root --program nodeproof-webhook /root-of/webhook && \
    image/make-root --program nodeproof /root-of/cli

FROM scratch AS common
LABEL org.opencontainers.image.vendor="Nodeproof" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.documentation="https://nodeproof.dev/"
# By number, so that a kubelet can tell that it is not root.
USER 65532:65532

FROM common AS agent
LABEL org.opencontainers.image.title="nodeproof-agent" \
      org.opencontainers.image.description="Publishes what a node's hardware and vTPM can prove"
COPY --from=build /root-of/agent /
ENTRYPOINT ["/usr/bin/nodeproof-agent"]

FROM common AS webhook
LABEL org.opencontainers.image.title="nodeproof-webhook" \
      org.opencontainers.image.description="Verifies nodes and refuses sensitive pods on those that prove too little"
COPY --from=build /root-of/webhook /
ENTRYPOINT ["/usr/bin/nodeproof-webhook"]

FROM common AS cli
LABEL org.opencontainers.image.title="nodeproof" \
      org.opencontainers.image.description="Verifies and explains evidence of nodes, offline or on a cluster"
COPY --from=build /root-of/cli /
ENTRYPOINT ["/usr/bin/nodeproof"]
