# The measured machine: its disk, its TPM, its boots. Sourced by measured_boot_test, never run.
# RUN is the folder of the run, BIN holds our programs, BOOT is what boot-files printed.
# shellcheck shell=bash

firmware=/usr/share/OVMF
# A boot takes some 12 s on an idle core without KVM.
boot_limit=240
vm_id=6f9d0f6c-3c0a-4a51-9f43-4d0a5f3c2b10
PATH=$PATH:/usr/sbin

# missing_parts: what is to be installed before a machine can run; nothing when all is there.
missing_parts() {
  local program file
  for program in qemu-system-x86_64 swtpm sfdisk mformat cpio busybox apt-get; do
    command -v "$program" >/dev/null || echo "$program"
  done
  for file in OVMF_{CODE,VARS}_4M{.ms,}.fd; do
    [[ -r $firmware/$file ]] || echo "$firmware/$file"
  done
}

# ---- what it boots --------------------------------------------------------------------------------

# put_with_libraries PROGRAM FOLDER AS: copies a program and the libraries that the loader names.
put_with_libraries() {
  local library
  install -D "$1" "$2/$3"
  ldd "$1" | grep -o '/[^ ]*' | while read -r library; do install -D "$library" "$2$library"; done
}

# make_initramfs FILE: busybox, guest-init, the agent and the kernel's modules.
make_initramfs() {
  local root=$RUN/initramfs tcti
  install -D "$(command -v busybox)" "$root/bin/busybox"
  install -D "$here/guest-init" "$root/init"
  put_with_libraries "$BIN/nodeproof-measured-boot-agent" "$root" bin/agent
  # tpm2-tss loads it by its name.
  tcti=$(find /usr/lib /lib -name libtss2-tcti-device.so.0 -print -quit)
  [[ -n $tcti ]] || die "there is no libtss2-tcti-device.so.0: install the package libtss2-tcti-device0"
  put_with_libraries "$tcti" "$root" "$tcti"
  cp -r "$BOOT/modules" "$root/modules"
  (cd "$root" && find . | LC_ALL=C sort | cpio --quiet -o -H newc -R 0:0 | gzip -1n) >"$1"
}

# grub's plain `linux` starts a kernel that finds no event log; `linuxefi` hands over by its EFI stub.
grub_configuration() {
  cat <<'TEXT'
set timeout=0
if linuxefi /boot/vmlinuz console=ttyS0 panic=-1; then
  initrdefi /boot/initrd.img
  boot
else
  halt
fi
TEXT
}

# make_disk FILE KERNEL INITRAMFS: a GPT disk with one EFI system partition, made without mounting it.
make_disk() {
  local sectors=131072 start=2048 partition="$1@@1M"
  truncate -s $((sectors * 512)) "$1"
  sfdisk --quiet "$1" <<<"label: gpt
start=$start, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B"
  mformat -i "$partition" -F -T $((sectors - 2 * start)) -h 16 -s 32 ::
  mmd -i "$partition" ::EFI ::EFI/BOOT ::EFI/debian ::boot
  mcopy -i "$partition" "$BOOT/shim.efi" ::EFI/BOOT/BOOTX64.EFI
  mcopy -i "$partition" "$BOOT/grub.efi" ::EFI/BOOT/grubx64.efi
  mcopy -i "$partition" - ::EFI/debian/grub.cfg < <(grub_configuration)
  mcopy -i "$partition" "$2" ::boot/vmlinuz
  mcopy -i "$partition" "$3" ::boot/initrd.img
}

# replace_kernel DISK KERNEL OUT: the same disk, GPT and all, with another kernel.
replace_kernel() {
  cp "$1" "$3"
  mcopy -D o -i "$3@@1M" "$2" ::boot/vmlinuz
}

# alter_kernel IN OUT: one byte of its version string, which nothing but people reads (x86 boot protocol:
# kernel_version at 0x20e, less 0x200). The signature no longer holds.
alter_kernel() {
  local at
  at=$(($(od -An -tu2 -j $((0x20e)) -N 2 "$1") + 0x200))
  cp "$1" "$2"
  printf X | dd of="$2" bs=1 seek="$at" conv=notrunc status=none
  ! cmp -s "$1" "$2"
}

# ---- its TPM --------------------------------------------------------------------------------------

# provision_tpm: an authority, and a TPM's state as the platform delivers it, with AK and AK certificate.
provision_tpm() {
  "$BIN/nodeproof-emulator" make-authority --dir "$RUN/authority" --rsa-bits 2048
  spawn "$RUN" platform "$BIN/nodeproof-emulator" run --class trusted-launch --vm-id "$vm_id" \
    --authority "$RUN/authority" --state "$RUN/platform"
  wait_served "$RUN" platform 60 grep -q '"tcti"' "$RUN/log/platform.log"
  end_process "$RUN" platform
}

# ---- its boots ------------------------------------------------------------------------------------

# boot_machine NAME on|off DISK: boots a new machine with that disk, firmware variables of its own and a copy
# of the TPM, with Secure Boot on or off, and waits until it is off. What it wrote is in RUN/NAME, its
# console in RUN/log/NAME.log. Fails when it does not end in time.
boot_machine() {
  local name=$1 build='' folder=$RUN/$1
  [[ $2 == off ]] || build=.ms  # with Microsoft's keys enrolled
  mkdir "$folder"
  cp "$firmware/OVMF_VARS_4M$build.fd" "$folder/variables.fd"
  cp -r "$RUN/platform/tpm" "$folder/tpm"
  truncate -s 4M "$folder/evidence.img"
  node_object >"$folder/node"
  epoch_object >"$folder/epoch"
  spawn "$RUN" "$name-tpm" swtpm socket --tpm2 --tpmstate "dir=$folder/tpm,mode=0600" \
    --ctrl "type=unixio,path=$folder/tpm.sock" --terminate
  wait_served "$RUN" "$name-tpm" 60 test -S "$folder/tpm.sock"
  spawn "$RUN" "$name" qemu-system-x86_64 -machine q35,smm=on,accel=tcg -cpu max -m 512 -nodefaults -display none \
    -no-reboot -uuid "$vm_id" -serial stdio \
    -global driver=cfi.pflash01,property=secure,value=on \
    -drive "if=pflash,format=raw,readonly=on,file=$firmware/OVMF_CODE_4M$build.fd" \
    -drive "if=pflash,format=raw,file=$folder/variables.fd" \
    -drive "if=none,id=boot,format=raw,readonly=on,file=$3" -device virtio-blk-pci,drive=boot,bootindex=0 \
    -drive "if=none,id=evidence,format=raw,file=$folder/evidence.img" -device virtio-blk-pci,drive=evidence \
    -chardev "socket,id=tpm,path=$folder/tpm.sock" -tpmdev emulator,id=tpm,chardev=tpm -device tpm-crb,tpmdev=tpm \
    -fw_cfg "name=opt/nodeproof/node,file=$folder/node" -fw_cfg "name=opt/nodeproof/epoch,file=$folder/epoch"
  wait_until "$boot_limit" "$name to power off" stopped "$RUN" "$name" || {
    end_process "$RUN" "$name" "$name-tpm"
    return 1
  }
  end_process "$RUN" "$name-tpm"
}

# The Node that the machine is, and the epoch that its quote answers, as the API server would give them.
node_object() {
  printf '{"apiVersion": "v1", "kind": "Node", "metadata": {"name": "measured", "uid": "%s"}}' \
    "$(cat /proc/sys/kernel/random/uuid)"
}
epoch_object() {
  printf '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "nodeproof-epoch", "namespace": "%s"}, "data": {"kid": "%s", "epoch": "%d", "nonce": "%s"}}' \
    nodeproof-system "$(openssl rand -hex 8)" $(($(date +%s) / 30)) "$(openssl rand -hex 32)"
}

# unpack_evidence NAME: the objects that the machine published and what its kernel said, into its folder.
unpack_evidence() {
  tar -x -m -f "$RUN/$1/evidence.img" -C "$RUN/$1"
}
