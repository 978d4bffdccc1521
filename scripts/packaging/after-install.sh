# What a package does when its files are in place; $1 is "restart" when another version was there before.
systemd-sysusers summit-agent.conf
systemd-tmpfiles --create summit-agent.conf
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
  # A container has neither devices nor kernel settings of its own.
  udevadm control --reload 2> /dev/null || true
  sysctl --quiet -p /usr/lib/sysctl.d/60-summit-agent.conf 2> /dev/null || true
  if [ "$1" = restart ]; then systemctl try-restart 'summit-agent@*.service'; fi
fi
