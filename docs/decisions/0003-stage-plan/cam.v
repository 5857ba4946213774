// Register CAM 64 x 128. COPIES key copies; FAN2 = two-level copy tree; GRP bits per partial-equal flag.
`ifndef COPIES
`define COPIES 16
`endif
`ifndef GRP
`define GRP 8
`endif
// one group of entries with its own key copy; not merged with the others
(* keep_hierarchy *)
module cam_group #(parameter E=4, parameter W=128, parameter G=8, parameter T=6) (input clk, input [W-1:0] key, input v, input [E-1:0] we, input [T-1:0] wtab, input wval,
   output reg [T-1:0] tab, output reg hit);
  reg [W-1:0] kc; reg [E-1:0] wec; reg [T-1:0] wt; reg wv; 
  always @(posedge clk) begin kc <= key; wec <= we; wt <= wtab; wv <= wval; end
  reg [W-1:0] stored [0:E-1]; reg [T-1:0] t [0:E-1]; reg [E-1:0] valid;
  reg [W/G-1:0] part [0:E-1]; reg [E-1:0] h; reg [E-1:0] pv;
  integer i,j; reg [T-1:0] o;
  always @(posedge clk) begin
    o = 0;
    for (i=0;i<E;i=i+1) begin
      if (wec[i]) begin stored[i] <= kc; t[i] <= wt; valid[i] <= wv; end
      for (j=0;j<W/G;j=j+1) part[i][j] <= stored[i][j*G +: G] == kc[j*G +: G];
      pv[i] <= valid[i];
`ifdef MERGEH
      h[i] = (&part[i]) & pv[i];
`else
      h[i] <= (&part[i]) & pv[i];
`endif
      o = o | (t[i] & {T{h[i]}});
    end
    tab <= o; hit <= |h;
  end
endmodule
module cam(input clk, input r_v, input [127:0] r_key, input [63:0] r_we, input [5:0] r_tab, input r_wval, output reg hit, output reg [5:0] tab);
  localparam N=`COPIES; localparam E=64/N;
  // r_* is the request register's level (inputs are registered in the harness)
`ifdef FAN2
  wire [4*128-1:0] kq; wire [4*64-1:0] wq; wire [4*7-1:0] tq; 
  reg_copies #(.W(128),.N(4)) kk(.clk(clk),.d(r_key),.q(kq));
  reg_copies #(.W(64),.N(4)) ww(.clk(clk),.d(r_we),.q(wq));
  reg_copies #(.W(7),.N(4)) tt(.clk(clk),.d({r_wval,r_tab}),.q(tq));
`else
  wire [4*128-1:0] kq = {4{r_key}}; wire [4*64-1:0] wq = {4{r_we}}; wire [4*7-1:0] tq = {4{r_wval,r_tab}};
`endif
  wire [N*6-1:0] tg; wire [N-1:0] hg;
  genvar g; generate for (g=0;g<N;g=g+1) begin: gr
    localparam Q=(g*4)/N;
    cam_group #(.E(E),.G(`GRP)) c(.clk(clk),.key(kq[Q*128 +: 128]),.v(r_v),.we(wq[Q*64+g*E +: E]),.wtab(tq[Q*7 +: 6]),.wval(tq[Q*7+6]),.tab(tg[g*6 +: 6]),.hit(hg[g]));
  end endgenerate
  integer i; reg [5:0] o;
`ifdef OR2
  reg [6:0] q4 [0:3]; reg [6:0] a; integer m;
  always @(posedge clk) begin
    for (m=0;m<4;m=m+1) begin a=0; for (i=0;i<N/4;i=i+1) a = a | {hg[m*N/4+i], tg[(m*N/4+i)*6 +: 6]}; q4[m] <= a; end
    {hit,tab} <= q4[0]|q4[1]|q4[2]|q4[3];
  end
`else
  always @(posedge clk) begin o=0; for (i=0;i<N;i=i+1) o = o | tg[i*6 +: 6]; tab <= o; hit <= |hg; end
`endif
endmodule
