//! Writes a preset's Verilog into a folder: `cargo run --example emit -- roce OUT`.
fn main() {
    let mut arguments = std::env::args().skip(1);
    let preset: stagecoach_spec::Preset = arguments.next().unwrap().parse().unwrap();
    let out = std::path::PathBuf::from(arguments.next().unwrap());
    std::fs::create_dir_all(&out).unwrap();
    let unit = stagecoach_controller::mapping_unit(&preset.config()).unwrap();
    for file in stagecoach_hdl::verilog::write(&unit) {
        std::fs::write(out.join(&file.name), &file.text).unwrap();
    }
    for derived in stagecoach_hdl::verilog::derived_names(&unit) {
        println!("{} {} {}", derived.module, derived.name, derived.source);
    }
}
