#!/bin/sh
# `bihuan` for root on a host of services: the command with their user and their environment, wherever it is called.
#   install -m 0755 deployments/systemd/bihuan.sh /usr/local/bin/bihuan
# It works in /opt/bihuan and reads as the user bihuan: give files by their whole path, where that user may read them.
exec systemd-run --quiet --pipe --wait --collect --uid=bihuan --working-directory=/opt/bihuan \
    --property=EnvironmentFile=/etc/bihuan/environment /opt/bihuan/.venv/bin/bihuan "$@"
